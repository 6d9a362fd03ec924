"""From regridded fields to what a network sees: splits, normalisation, history → future windows."""
