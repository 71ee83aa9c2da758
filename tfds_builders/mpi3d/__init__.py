"""MPI3D: a robot arm that carries an object, rendered and photographed."""
