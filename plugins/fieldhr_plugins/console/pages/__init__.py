"""The console: server-rendered pages over the public desk; no library in the browser, nothing from elsewhere."""
