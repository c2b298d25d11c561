"""One thread per process: the variables that keep the libraries to it. They read them once, when they are loaded."""

from typing import Final

# Several processes with several threads each only wait for one another.
ONE_THREAD: Final = {
    "OMP_NUM_THREADS": "1",
    "OMP_THREAD_LIMIT": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
}
