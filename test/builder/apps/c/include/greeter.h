#ifndef GREETER_H
#define GREETER_H

#include <stddef.h>

const char *greet(void);
int count(void);
/* Writes the text of a page; answers its length. */
int page(char *to, size_t size);

#endif
