"""Selection of the best of many trained models without labels, by ModelCentrality and UDR."""
