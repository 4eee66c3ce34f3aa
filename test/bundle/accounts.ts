// The users and groups of the image that bundles are compared with and run in.
export const PASSWD = [
  "root:x:0:0:root:/root:/bin/sh",
  "daemon:x:1:1:daemon:/usr/sbin:/bin/false",
  "app:x:1000:1000:the program's user:/home/app:/bin/sh",
  "",
].join("\n");

export const GROUP = ["root:x:0:", "daemon:x:1:", "staff:x:50:app", "extra:x:77:", "app:x:1000:", ""].join(
  "\n",
);
