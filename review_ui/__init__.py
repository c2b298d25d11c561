"""Shows: server-rendered pages for operators, caseworkers and supervisors."""
