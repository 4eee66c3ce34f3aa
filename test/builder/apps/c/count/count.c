#include "greeter.h"

int count(void) {
  static int times;
  return ++times;
}
