"""A long piece of work elsewhere: submitted once, polled, fetched, cancelled where nobody wants it any more."""
