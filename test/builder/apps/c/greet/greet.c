#include "greeter.h"

const char *greet(void) { return "Hello from C"; }
