"""The chaos run: thousands of transfers through every fault, and not one wrong file.

`python -m chaos --deliveries 10000` brings up the functions with a source, an object server and
a Pub/Sub that misbehave at random from a printed seed, kills the workers now and then, and in
the end reads every generation of every object back. Truth is what the source generated.
"""
