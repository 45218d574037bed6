"""One wire format to Exchange a module: encodings, streams and cut copies included."""
