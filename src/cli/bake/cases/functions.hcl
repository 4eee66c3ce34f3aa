target "default" {
  args = {
    a = format("%s-%03d-%.2f-%q", "x", 7, 1.5, "q"), b = join(",", sort(["b","a"])), c = regex_replace("a1b2", "[0-9]", "-"), 
    d = jsonencode({a=1,b=["x"]}), e = jsondecode("{\"k\":\"v\"}").k, f = base64encode("hi"), g = sha256("x"), h = trimprefix("v1","v"),
    i = substr("hello", 1, 3), j = title("hello world"), k = "${1 + 2 * 3}", l = "${10 / 4}", m = 1 == 1 ? "t" : "f", n = join(",", [for k, v in {a=1,b=2} : "${k}${v}"]),
    o = join(",", keys({z=1,y=2})), p = element(["a","b"], 3), q = length([1,2]), r = coalesce(null, "x"), s = contains(["a"], "a"), t = try(nope.x, "fallback"), u = can(1),
    v = join(",", distinct(["a","a","b"])), w = join(",", flatten([["a"],["b",["c"]]])), x = lookup({a="1"}, "a", "z"), y = merge({a="1"},{b="2"}).b, z = range(3)[2],
    aa = replace("a.b.c", ".", "-"), ab = reverse("abc"), ac = join(",", reverselist(["a","b"])), ad = strlen("äb"), ae = max(1,5,3), af = indent(2, "a\nb"), ag = chomp("a\n"),
    ah = formatdate("YYYY-MM-DD'T'hh:mm", "2020-01-02T03:04:05Z"), ai = timeadd("2020-01-02T03:04:05Z", "1h"), aj = urlencode("a b&c"), ak = sanitize("a.b/c"),
    am = join(",", [for x in setproduct(["a","b"],["1","2"]) : join("", x)]), an = parseint("ff", 16), ao = indexof(["a","b"], "b"), ap = convert("5", number) + 1, aq = {a=["x"]}.a[0], ar = join(",", [{n="1"},{n="2"}][*].n),
    as = "%{ if true }yes%{ else }no%{ endif }", at = join(",", slice(["a","b","c"], 1, 3)), au = zipmap(["k"],["v"]).k, av = md5("x"), aw = basename("/a/b.c"), ax = dirname("/a/b.c"), ay = 5 % 3, az = -3, ba = !true, bb = 1.50, bc = 100000000000000000000
  }
}
