"""How the networks learn: losses, the training loop, checkpoints."""
