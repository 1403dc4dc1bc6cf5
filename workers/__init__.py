"""The program that runs on a slot: networks, data, training, testing and measuring."""
