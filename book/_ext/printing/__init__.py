"""The book in print: the HTML pages, gathered into one document and set on paper."""
