#include <stdio.h>

#include "greeter.h"

int page(char *to, size_t size) { return snprintf(to, size, "%s, %d times\n", greet(), count()); }
