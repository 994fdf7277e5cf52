/* How XGBoost's threads wait for each other. */
#pragma once

/* They otherwise spin, which on busy cores takes ten times as long. OpenMP reads the setting (OMP_WAIT_POLICY) when it
 * is loaded, so the program is begun again with it, unless it is set. To be called before anything is open or running;
 * returns when there is nothing to do. */
void threads_let_sleep(char **argv);
