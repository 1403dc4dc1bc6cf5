"""Training, fine-tuning and testing."""
