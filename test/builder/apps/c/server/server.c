/* Answers every connection with one page; with --once it prints the page instead. */
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "greeter.h"

static void answer(int connection) {
  char request[4096], text[256], head[128];
  if (read(connection, request, sizeof request) <= 0) return;
  int length = page(text, sizeof text);
  int headLength = snprintf(head, sizeof head, "HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n", length);
  if (write(connection, head, headLength) == headLength && write(connection, text, length) < 0)
    perror("write");
}

int main(int argc, char **argv) {
  if (argc > 1 && strcmp(argv[1], "--once") == 0) {
    char text[256];
    page(text, sizeof text);
    fputs(text, stdout);
    return 0;
  }
  int listener = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(8000)};
  if (bind(listener, (struct sockaddr *)&address, sizeof address) < 0 || listen(listener, 16) < 0) {
    perror("listen");
    return 1;
  }
  for (;;) {
    int connection = accept(listener, NULL, NULL);
    if (connection < 0) return 1;
    answer(connection);
    close(connection);
  }
}
