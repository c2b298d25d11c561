"""The site: what operators, caseworkers and supervisors see. One module per screen; `app` puts them together."""
