"""The JSON API: the door for machines. `app.create_app` puts it together, `serving.serve` runs it."""
