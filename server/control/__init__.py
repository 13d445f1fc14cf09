"""The control API: HTTP into a running meter, for what happens around a meter and not on its wires.

`meter382 run --control HOST:PORT` opens it; the meters, their store and the event loop are those of the run. Reading
order: `site.py` (what the API acts on), `input_models.py` (inputs as JSON), `readings.py`, `apparatus.py`,
`registers.py`, `readouts.py`, `loggers.py` and `events.py` (answers), `application.py` (the paths), `guard.py` (who may
ask, how much, how long), `http_server.py` (the socket); `client.py` is the other side, and needs nothing of all that.

Nothing here is imported by a run without `--control`, so FastAPI and uvicorn cost such a run nothing.
"""
