"""How busy the machine is while a stage is at work: curves `system/…` of its run."""

import contextlib
import threading
from collections.abc import Callable

INTERVAL = 10.0  # s, as MLflow's own; a stage that is over sooner has no such curves


class Monitor:
    """Samples processors, memory, disk, network and, where there is one, GPU until it is stopped.

    Args:
        tell: called with a counter and the figures of a sample, as `Log.metrics` is.
    """

    def __init__(self, tell: Callable[..., None]) -> None:
        self._tell = tell
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._work, name="machine", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join(1.0)

    def _work(self) -> None:
        if self._stopped.wait(INTERVAL):
            return
        with contextlib.suppress(Exception):  # figures of the machine are no reason for a warning
            self._sample()

    def _sample(self) -> None:
        from mlflow.system_metrics.metrics.cpu_monitor import CPUMonitor
        from mlflow.system_metrics.metrics.disk_monitor import DiskMonitor
        from mlflow.system_metrics.metrics.gpu_monitor import GPUMonitor
        from mlflow.system_metrics.metrics.network_monitor import NetworkMonitor

        monitors = [CPUMonitor(), DiskMonitor(), NetworkMonitor()]
        with contextlib.suppress(Exception):  # no GPU, or no nvidia-ml-py
            monitors.append(GPUMonitor())
        step = 0
        while not self._stopped.wait(INTERVAL if step else 0):
            figures: dict[str, float] = {}
            for monitor in monitors:
                monitor.collect_metrics()
                figures |= monitor.aggregate_metrics()
                monitor.clear_metrics()
            self._tell(step, **{f"system/{name}": value for name, value in figures.items()})
            step += 1
