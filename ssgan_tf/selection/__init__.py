"""Which of many trained models disentangles best, without labels: ModelCentrality and UDR over a pool.

centrality and udr are the mathematics, which see arrays alone; groups and columns make images of one model and read
them by all; kept are the files that let a stopped selection go on; spread is its processes; pool finds the models;
report says what was found.
"""
