// Answers with its version, its user and a file that was compiled into it.
package main

import (
	_ "embed"
	"flag"
	"fmt"
	"log"
	"net/http"
	"os"
)

var version = "unset"

//go:embed static/note.txt
var note string

func main() {
	listen := flag.String("listen", ":80", "address to listen on")
	flag.Parse()
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "Hello from Go %s as %d, %s", version, os.Getuid(), note)
	})
	log.Fatal(http.ListenAndServe(*listen, nil))
}
