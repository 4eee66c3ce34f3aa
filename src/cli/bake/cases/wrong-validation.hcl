variable "A" {
  default = "x"
  validation {
    condition = A == "y"
    error_message = "A must be y"
  }
}
target "x" {}
