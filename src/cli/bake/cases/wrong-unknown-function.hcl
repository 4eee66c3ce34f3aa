target "x" {
  tags = nofn("a")
}
