#!/bin/sh
# Trains on NODES processes (else 4) of PyTorch's torchrun: examples/launch/torchrun.sh JOB.toml ...
# For several machines, on each of them: TORCHRUN="torchrun --nnodes M --node_rank I --master_addr
# HOST --master_port PORT", and cluster.secret_file=FILE.
# shellcheck disable=SC2086
exec ${TORCHRUN:-torchrun} --no_python --nproc_per_node "${NODES:-4}" hemiola train "$@"
