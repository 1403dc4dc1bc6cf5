"""Computing on Graphcore IPUs, through PopTorch, which is imported only where something of it is called."""
