"""MPI3D: a robot arm that carries an object, drawn and photographed."""
