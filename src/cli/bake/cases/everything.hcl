variable "TAG" { default = "latest" }
variable "N" { default = 3 }
variable "DEBUG" { default = false }
variable "LIST" { 
  type = list(string)
  default = ["a","b"] 
}
function "tag" {
  params = [name]
  variadic_params = rest
  result = ["${name}:${TAG}", join("-", rest)]
}
group "default" { targets = ["app", "db"] }
group "all" { 
  targets = ["default", "m"]
  description = "everything"
}
target "base" {
  args = { A = "1", B = null, N = N + 1, D = DEBUG ? "yes" : "no" }
  labels = { "org.x" = "y" }
  annotations = ["index,manifest:a=b"]
}
target "app" {
  inherits = ["base"]
  context = "app"
  dockerfile = "Dockerfile.app"
  args = { A = upper("two"), L = join(",", [for x in LIST : "${x}!"]) }
  tags = concat(tag("app", "x", "y"), DEBUG ? ["app:debug"] : [])
  platforms = ["linux/amd64", "linux/arm64"]
  cache-from = ["type=registry,ref=user/app:cache", "user/x"]
  cache-to = [{type="local", dest="out/cache"}]
  secret = ["id=a,src=tmp/a", {id="b", env="B"}]
  ssh = ["default", {id="k", paths=["tmp/agent.sock"]}]
  output = ["type=local,dest=out", {type="registry"}]
  attest = ["type=provenance,mode=max", {type="sbom"}]
  network = "host"
  ulimits = ["nofile=1024:2048"]
  shm-size = "128m"
  extra-hosts = { h = "1.2.3.4" }
  no-cache-filter = ["x"]
  pull = true
  entitlements = ["security.insecure"]
  contexts = { src = "../src", b = "target:base" }
}
target "db" {
  dockerfile-inline = <<-EOT
    FROM scratch
    %{ for x in LIST ~}
    ENV ${x}=1
    %{ endfor ~}
  EOT
  no-cache = true
  target = "t"
  description = "the db"
}
target "m" {
  name = "m-${v}-${replace(t.n, ".", "-")}"
  matrix = { v = ["1", "2"], t = [{n = "a.b"}, {n = "c"}] }
  tags = ["m:${v}"]
  args = { X = target.base.args.A }
}
