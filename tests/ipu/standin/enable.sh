# To be sourced: makes the stand-in of PopTorch importable, as the SDK's scripts do for the real one.
POPTORCH_STANDIN_DIRECTORY="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
export PYTHONPATH="${POPTORCH_STANDIN_DIRECTORY}${PYTHONPATH:+:${PYTHONPATH}}"
export POPLAR_SDK_ENABLED="${POPTORCH_STANDIN_DIRECTORY}"
export POPTORCH_STANDIN_ANY_TORCH=1
