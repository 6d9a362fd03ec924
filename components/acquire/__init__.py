"""From an archive to the contract, storm by storm."""
