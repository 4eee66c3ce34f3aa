variable "VERSIONS" {
  type    = list(string)
  default = ["18", "20"]
}
variable "OPTIONS" {
  type    = object({ name = string, debug = bool })
  default = { name = "plain", debug = false }
}
group "default" {
  targets = ["app", "tools"]
}
target "app" {
  name = "app-${version}-${replace(os, ".", "-")}"
  matrix = {
    version = VERSIONS
    os      = ["alpine3.20", "debian"]
  }
  args = {
    VERSION = version
    OS      = os
    NAME    = OPTIONS.name
    DEBUG   = OPTIONS.debug ? 1 : null
  }
  tags = ["app:${version}-${os}"]
}
target "tools" {
  inherits = ["app-18-debian"]
  args = { EXTRA = target._common.labels.team }
  tags     = []
}
target "_common" {
  labels = { team = "core" }
}
