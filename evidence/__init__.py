"""What the default pipeline is too short for: variants of the networks, over several seeds."""
