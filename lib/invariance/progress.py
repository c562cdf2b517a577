class Progress:
    def __init__(self, title, total):
        print(title, total)

    def __enter__(self):
        return self

    def __exit__(self, *a):
        pass

    def advance(self, n, what=""):
        print(what)
