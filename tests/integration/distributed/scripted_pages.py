"""What the double of `scripted_celery` does on pages of a certain width, beside that of `scripted_workshop`."""

GATED = 666  # it waits until somebody lets it go on
