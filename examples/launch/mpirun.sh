#!/bin/sh
# Trains on NODES processes (else 4) of Open MPI's mpirun: examples/launch/mpirun.sh JOB.toml ...
# For several machines: MPIRUN="mpirun --hostfile FILE", and cluster.secret_file=FILE and
# --rendezvous tcp:HOST:PORT, for Open MPI does not say where rank 0 is.
# shellcheck disable=SC2086
exec ${MPIRUN:-mpirun} -n "${NODES:-4}" hemiola train "$@"
