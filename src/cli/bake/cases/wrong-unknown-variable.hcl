target "x" {
  tags = ["${NOPE}"]
}
