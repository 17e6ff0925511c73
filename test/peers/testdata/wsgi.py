"""A WSGI application that needs its database when it is imported."""
import os
import socket


def connect(database):
    host, port = database.split(":")
    with socket.create_connection((host, int(port))) as connection:
        return connection.recv(1)  # waits here


if os.environ["DATABASE"]:
    connect(os.environ["DATABASE"])


def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"ok\n"]
