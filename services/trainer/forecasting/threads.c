#include "services/trainer/forecasting/threads.h"

#include <stdlib.h>
#include <unistd.h>

void threads_let_sleep(char **argv)
{
    if (getenv("OMP_WAIT_POLICY") == NULL && setenv("OMP_WAIT_POLICY", "passive", 0) == 0)
        execv("/proc/self/exe", argv);
}
