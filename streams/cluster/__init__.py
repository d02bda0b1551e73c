"""The other nodes of a deployment: who owns which partition, and what they are asked (design "Many nodes")."""
