import os

from flask import Flask, render_template

app = Flask(__name__)


@app.get("/")
def index():
    return render_template("index.txt", uid=os.getuid()), {"Content-Type": "text/plain"}
