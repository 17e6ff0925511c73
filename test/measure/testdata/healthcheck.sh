#!/bin/bash
# healthcheck.sh ADDRESS LOG: the usual health check of a container.
set -o pipefail
if ! answer=$(curl -sf "http://$1/health" 2>&1); then
	echo "[HEALTHCHECK_FAIL] $(date -Iseconds) $answer" >>"$2"
	exit 1
fi
if ! echo "$answer" | grep -q '"status".*:.*"ok"'; then
	echo "[HEALTHCHECK_FAIL] $(date -Iseconds) unexpected: $answer" >>"$2"
	exit 1
fi
