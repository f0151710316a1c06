#!/bin/sh
# Trains on the machines of HOSTS, over ssh: HOSTS=a,b,c examples/launch/ssh.sh JOB.toml ...
# The program and the data must be there under the same paths, and ssh must not ask for a password.
exec hemiola run --hosts "${HOSTS:-localhost}" "$@"
