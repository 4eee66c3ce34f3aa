lib$(NAME).a: $(NAME).o
	ar rcD $@ $^

%.o: %.c ../include/*.h
	$(CC) $(CFLAGS) -I../include -c -o $@ $<
