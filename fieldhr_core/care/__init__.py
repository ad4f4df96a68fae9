"""What keeps a store alive: backup, restore and its drill, rotation and destruction of keys, and the doctor."""
