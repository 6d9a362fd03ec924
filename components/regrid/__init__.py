"""From the contract to windows on one grid."""
