target "other" { args = { Q = "$${x}" } }
