"""A web server of the standard library that needs its database first."""
import http.server
import os
import socket
import sys


def connect(database):
    host, port = database.split(":")
    with socket.create_connection((host, int(port))) as connection:
        return connection.recv(1)  # waits here


if os.environ["DATABASE"]:
    connect(os.environ["DATABASE"])
http.server.test(http.server.SimpleHTTPRequestHandler, port=int(sys.argv[1]))
