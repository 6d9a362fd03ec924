"""How MLflow's page first shows the executions: the scores, their intervals, what was varied.

A saved view of its page of runs is a tag of the experiment; without one that page shows no figure.
The form of the tag is that of MLflow 3.17, read off one that its page had saved.
"""

import json

NAME = "scores"
TAG = f"mlflow.sharedViewState.{NAME}"
METRICS = (
    *("crps_student", "crps_student_low", "crps_student_high", "crps_teacher", "crps_control"),
    *("gain_student", "gain_student_low", "gain_student_high"),
)
PARAMS = (
    "distill_student.seed",
    *(f"distill_student.weights.{term}" for term in ("distill", "features", "causal")),
)


def scores() -> dict[str, str]:
    """The tag of an experiment whose runs are executions."""
    columns = [f"metrics.`{name}`" for name in METRICS] + [f"params.`{name}`" for name in PARAMS]
    state = {
        "searchFilter": "",
        "orderByKey": "attributes.start_time",
        "orderByAsc": False,
        "startTime": "ALL",
        "lifecycleFilter": "Active",
        "datasetsFilter": [],
        "modelVersionFilter": "All Runs",
        "selectedColumns": columns,
        "columnOrder": [],
        "columnWidths": {},
        "runsHiddenMode": "FIRST_10_RUNS",
        "viewMaximized": False,
        "runListHidden": False,
        "isAccordionReordered": False,
        "useGroupedValuesInCharts": True,
        "hideEmptyCharts": True,
        "groupBy": None,
        "groupsExpanded": {},
        "globalLineChartConfig": {
            "xAxisKey": "step",
            "lineSmoothness": 0,
            "selectedXAxisMetricKey": "",
        },
    }
    view = {"name": NAME, "createdAt": 0, "updatedAt": 0, "state": json.dumps(state)}
    return {TAG: json.dumps(view)}
