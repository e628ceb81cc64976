"""The model behind the port: the wire decoder, the retry loop, the live wire, prices."""
